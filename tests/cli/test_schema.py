"""`lsr schema` prints the names that reports have."""

import json

import lsr


def test_the_schema_is_that_of_reports(call):
    result = call("schema")
    assert result.exit_code == 0
    assert json.loads(result.stdout) == lsr.report_schema()
