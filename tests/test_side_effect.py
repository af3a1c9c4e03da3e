"""Which tools change something, by hint, by name and by verb."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local_swarm.swarm.canonical.side_effect import side_effect

ACTS = """
write_file edit_file execute_bash
write_to_file replace_in_file execute_command browser_action use_mcp_tool new_task apply_diff
insert_content search_and_replace
bash edit write patch task multiedit
Bash Edit MultiEdit Write NotebookEdit Task KillShell
shell local_shell exec_command apply_patch write_stdin
builtin_edit_existing_file builtin_create_new_file builtin_run_terminal_command
builtin_single_find_and_replace
run_shell_command replace save_memory run_terminal_cmd delete_file reapply
create_directory delete_path move_path copy_path terminal
str_replace_editor str_replace_based_edit_tool execute_ipython_cell python code_interpreter
mcp__github__create_issue mcp__filesystem__write_file developer__shell fs.writeFile git-commit
send_email sendEmail SendEmail delete-user book_flight bookFlight order_pizza pay_invoice
make_payment set_thermostat turn_on_light transfer_money cancel_order update_status post_status
run_query execute_sql insert_row upsertRecord rm kill_process install_package git_push createUser
functions.execute_bash HTTPPost deleteURL move rename_symbol subscribe
"""
LOOKS = """
read_file list_files search_files
list_code_definition_names ask_followup_question read
glob grep list find ls view webfetch
Read Grep Glob LS WebFetch WebSearch BashOutput TodoWrite todowrite update_plan
view_image builtin_read_file builtin_ls builtin_view_diff builtin_fetch_url_content
list_directory search_file_content google_web_search read_many_files find_path
mcp__github__list_issues mcp__filesystem__read_file get_weather getWeather GetWeather
get_commit list_orders order_status book_search view_order search_flights query_database lookup-user
fetch_url describe_table calculate convert_currency git_status git_diff HTTPGet get_current_time
weather f unknown_thing 天気 weigh
"""


@pytest.mark.parametrize("name", ACTS.split())
def test_tools_that_change_something(name: str) -> None:
    assert side_effect(name, {"type": "function", "function": {"name": name}}) is True


@pytest.mark.parametrize("name", LOOKS.split())
def test_tools_that_only_look(name: str) -> None:
    assert side_effect(name, {"type": "function", "function": {"name": name}}) is False


def test_what_a_tool_says_of_itself_goes_first() -> None:
    reads: dict[str, object] = {"annotations": {"readOnlyHint": True}}
    writes: dict[str, object] = {"annotations": {"readOnlyHint": False}}
    destroys: dict[str, object] = {"annotations": {"destructiveHint": True}}
    adds: dict[str, object] = {"annotations": {"destructiveHint": False}}
    for tool in (reads, {"function": reads}):
        assert side_effect("execute_bash", tool) is False
    for tool in (writes, destroys, {"function": destroys}):
        assert side_effect("read_file", tool) is True
    # "only adds" is not "only looks"
    assert side_effect("write_file", adds) and not side_effect("read_file", adds)


@given(
    st.text(max_size=300),
    st.dictionaries(
        st.sampled_from(["annotations", "function"]),
        st.none() | st.text(max_size=3) | st.dictionaries(st.just("readOnlyHint"), st.integers()),
    ),
)
def test_it_never_raises(name: str, tool: dict[str, object]) -> None:
    assert isinstance(side_effect(name, tool), bool)
