# Installs Local Swarm on Windows for one user; no administrator. Not tried on a real Windows yet.
#   powershell -ExecutionPolicy Bypass -File install.ps1 [-Run] [-Uninstall] [-DryRun]
#     [-Engine wheel|cuda|vulkan|server] [-With code,plot,semantic] [-FindLinks FOLDER]
# It goes into %LOCAL_SWARM_HOME% (default: %LOCALAPPDATA%\local-swarm). A second run upgrades.
param(
    [switch]$Run, [switch]$Uninstall, [switch]$DryRun,
    [ValidateSet('', 'wheel', 'cuda', 'vulkan', 'server')][string]$Engine = '',
    [string]$With = '', [string]$FindLinks = '',
    [Parameter(ValueFromRemainingArguments)][string[]]$Arguments = @()
)
$ErrorActionPreference = 'Stop'
$Base = if ($env:LOCAL_SWARM_HOME) { $env:LOCAL_SWARM_HOME } else { Join-Path $env:LOCALAPPDATA 'local-swarm' }
$Venv = Join-Path $Base 'venv'
$Mark = Join-Path $Base '.made-by-install'
$Program = Join-Path $Venv 'Scripts\local-swarm.exe'

function Step([scriptblock]$What) {
    if ($DryRun) { Write-Output "  would run: $What" } else {
        & $What
        if ($LASTEXITCODE) { throw "failed: $What" }
    }
}

function Find-Python {
    if (Get-Command uv -ErrorAction SilentlyContinue) { return 'uv' }
    foreach ($name in 'python', 'python3', 'py') {
        if (-not (Get-Command $name -ErrorAction SilentlyContinue)) { continue }
        & $name -I -c 'import sys, venv; sys.exit(sys.version_info < (3, 11))' 2>$null
        if ($LASTEXITCODE -eq 0) { return $name }
    }
    throw 'No Python 3.11 or newer was found. Install one: winget install Python.Python.3.12'
}

if ($Uninstall) {
    if (Test-Path $Mark) {
        Step { & (Join-Path $Venv 'Scripts\python.exe') -I -m local_swarm.uninstall $Venv $Mark }
        Step { Remove-Item -Recurse -Force $Venv }
        Step { Remove-Item $Mark }
    }
    return
}
if ((Test-Path $Venv) -and -not (Test-Path $Mark)) { throw "$Venv was not made by this installer; move it away" }

if (-not $Engine) { # else src/equip.py chooses, by the same table as on Linux
    $cards = (Get-CimInstance Win32_VideoController -ErrorAction SilentlyContinue).Name -join ' '
    if ($cards -match 'Radeon RX|Arc') { $Engine = 'vulkan' }
}
$python = Find-Python
$source = if (Test-Path (Join-Path $PSScriptRoot 'pyproject.toml')) { $PSScriptRoot }
          elseif ($env:LOCAL_SWARM_SOURCE) { $env:LOCAL_SWARM_SOURCE } else { 'local-swarm' }
$offline = if ($FindLinks) { @('--no-index', '--find-links', (Resolve-Path $FindLinks)) } else { @() }
$wanted = @("--with=$With")
if ($Engine) { $wanted += "--engine=$Engine" }
if ($FindLinks) { $wanted += "--find-links=$(Resolve-Path $FindLinks)" }

Step { New-Item -ItemType Directory -Force $Base | Out-Null }
Step { New-Item -ItemType File -Force $Mark | Out-Null }
if (-not (Test-Path (Join-Path $Venv 'Scripts\python.exe'))) {
    if ($python -eq 'uv') { Step { uv venv --seed --python '>=3.11' $Venv } } else { Step { & $python -I -m venv $Venv } }
}
$vpython = Join-Path $Venv 'Scripts\python.exe'
Step { & $vpython -I -m pip install -q --upgrade --force-reinstall --no-deps @offline $source }
Step { & $vpython -I -m local_swarm.equip @wanted } # the engine and all other packages
Step { & $Program version }
Write-Output "Start it with: $Program run   (or add $(Split-Path $Program) to your PATH)"
if ($Run) { Step { & $Program run @Arguments } }
