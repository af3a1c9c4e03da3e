"""Whether a tool changes something in the world: then its call needs an absolute majority."""

from __future__ import annotations

import re
from collections.abc import Mapping

# The tools of our own agent, and of common clients where the name misleads.
_KNOWN = {
    "write_file": True,
    "edit_file": True,
    "execute_bash": True,
    "read_file": False,
    "list_files": False,
    "search_files": False,
    "bashoutput": False,
    "browser_action": True,
    "code_interpreter": True,
    "computer": True,
    "multiedit": True,
    "new_task": True,
    "open_file": False,
    "python": True,
    "python_repl": True,
    "str_replace_based_edit_tool": True,
    "str_replace_editor": True,
    "task": True,
    "text_editor": True,
    "todo_write": False,
    "todowrite": False,
    "update_plan": False,
    "use_mcp_tool": True,
}


def _words(said: str) -> frozenset[str]:
    return frozenset(said.split())


_ACTS = _words(
    "abort accept activate add allocate append apply approve archive assign attach authorize ban "
    "bash block book build buy cancel change charge checkout clear click clone close cmd command "
    "commit compile configure confirm connect copy create deactivate decline delete deliver deploy "
    "destroy detach disable disconnect dispatch donate download drag drop duplicate edit email "
    "empty enable enqueue erase eval evict exec execute execution fill flash flush fork grant "
    "import increment insert install interrupt invite invoke issue kill launch lock login logout "
    "mail merge migrate mkdir modify move mutate mv notify open order overwrite patch pay payment "
    "persist pip play post powershell press print promote provision publish purchase purge push "
    "put reapply reboot rebase record refund register reject release reload remove rename replace "
    "reply reschedule reserve reset resize restart restore resume revert revoke rm rmdir rollback "
    "rotate run save scale schedule sell send set shell shutdown sign spawn start stash stop store "
    "submit subscribe suspend swap switch sync tag terminal terminate toggle touch transfer trash "
    "trigger truncate turn type unblock undo uninstall unlink unlock unsubscribe update upgrade "
    "upload upsert wipe withdraw write"
)  # fmt: skip
_LOOKS = _words(
    "analyze answer ask browse calculate cat check compare compute convert count describe detect "
    "diff estimate evaluate explain extract fetch find forecast get glob grep head help inspect is "
    "list load locate look lookup ls measure observe peek ping plan predict preview query read "
    "recall resolve retrieve scan search see select show stat status summarize tail test think "
    "translate validate verify view wait watch"
)  # fmt: skip
# Things as much as deeds: `order_status` looks, `order_pizza` acts.
_THINGS = _words("book build commit email issue mail order patch payment record release")
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")


def side_effect(name: str, tool: Mapping[str, object] | None = None) -> bool:
    """Whether the tool `name` changes something; one that nothing is known of does not.

    `tool` is the tool object of the request. What its `annotations` say (`readOnlyHint`,
    `destructiveHint`, as in MCP) goes first, then known names, then the verbs in the name:
    of `server__tool` and `server.tool` those of the last part, of `find_and_replace` both.
    """
    hint = _hint(tool)
    if hint is not None:
        return hint
    last = re.split(r"__|[./:]", name[-200:].strip("_./:"))[-1]
    known = _KNOWN.get(last.replace("-", "_").lower())
    if known is not None:
        return known
    return bool(_deed(last) or (_deed(last) is None and _deed(name[-200:])))


def _deed(name: str) -> bool | None:
    """Whether a verb in `name` changes something; None where none is known."""
    words = [word.lower() for word in _WORD.findall(name)]
    found: bool | None = None
    first = True  # of its clause
    for word in words:
        if word in ("and", "or", "then"):
            first = True
        elif first and (word in _ACTS or word in _LOOKS):
            if word in _ACTS and not (word in _THINGS and words[-1] in _LOOKS):
                return True
            found, first = False, False
    return found


def _hint(tool: Mapping[str, object] | None) -> bool | None:
    function = tool.get("function") if isinstance(tool, Mapping) else None
    for holder in (tool, function):
        hints = holder.get("annotations") if isinstance(holder, Mapping) else None
        if not isinstance(hints, Mapping):
            continue
        if isinstance(hints.get("readOnlyHint"), bool):
            return not hints["readOnlyHint"]
        # In MCP false means no more than: it only adds.
        if hints.get("destructiveHint") is True:
            return True
    return None
