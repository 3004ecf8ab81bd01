"""What the services' own packages say of the exports: the types of openai and google-genai, the service model of
Bedrock in botocore, together's check_file; and OpenAI's published check of chat files (its cookbook's list of rules)."""
import importlib.metadata
import json
import sys

from common import Account, bad_files, exports, judge_bad, read_rows, strings, tool_exports

folder = sys.argv[1]


def openai_rows():
    """A judge of one row for OpenAI: its own types, strict, and the rules that it published for chat files."""
    from openai.types.chat import ChatCompletionMessageParam, ChatCompletionToolParam
    from pydantic import TypeAdapter

    adapter = TypeAdapter(list[ChatCompletionMessageParam])
    tools = TypeAdapter(list[ChatCompletionToolParam])
    keys = {"role", "content", "name", "function_call", "weight", "tool_calls", "tool_call_id"}

    def judge(row):
        messages = row.get("messages")
        if not isinstance(messages, list) or not messages:
            raise ValueError("no messages")
        if set(row) - {"messages", "tools", "parallel_tool_calls"}:
            raise ValueError(f"unknown columns {sorted(set(row) - {'messages', 'tools', 'parallel_tool_calls'})}")
        for m in messages:
            if set(m) - keys:
                raise ValueError(f"message has unknown keys {sorted(set(m) - keys)}")
            if m.get("role") not in ("system", "developer", "user", "assistant", "tool"):
                raise ValueError(f"unknown role {m.get('role')!r}")
            if not isinstance(m.get("content"), str) and not m.get("tool_calls"):
                raise ValueError("message has no content")
        if not any(m["role"] == "assistant" for m in messages):
            raise ValueError("no message of the assistant")
        adapter.validate_python(messages, strict=True)
        tools.validate_python(row.get("tools", []), strict=True)
        for call in (c for m in messages for c in m.get("tool_calls", [])):
            if not isinstance(json.loads(call["function"]["arguments"]), dict):
                raise ValueError("arguments are no object")

    return judge


def gemini_rows():
    from google.genai import types

    def judge(row):
        if set(row) - {"contents", "systemInstruction", "tools", "labels"}:
            raise ValueError(f"unknown columns {sorted(row)}")
        if "systemInstruction" in row:
            types.Content.model_validate(row["systemInstruction"])
        for i, c in enumerate(row["contents"]):
            types.Content.model_validate(c)
            if c.get("role") != ("model" if i % 2 else "user"):
                raise ValueError(f"content {i + 1} has the role {c.get('role')!r}")
            if not c.get("parts") or not all(p.get("text") or "functionCall" in p or "functionResponse" in p for p in c["parts"]):
                raise ValueError(f"content {i + 1} has a part without text")
        for tool in row.get("tools", []):
            types.Tool.model_validate(tool)

    return judge


def bedrock_rows():
    import botocore.session
    from botocore.validate import ParamValidator

    model = botocore.session.get_session().get_service_model("bedrock-runtime")
    shape = model.operation_model("Converse").input_shape
    roles = set(model.shape_for("ConversationRole").enum) - {"system"}

    def judge(row):
        if row.get("schemaVersion") != "bedrock-conversation-2024":
            raise ValueError("no schemaVersion")
        call = {"modelId": "m", "messages": row["messages"], **({"system": row["system"]} if "system" in row else {})}
        report = ParamValidator().validate(call, shape)
        if report.has_errors():
            raise ValueError(report.generate_report())
        for i, m in enumerate(row["messages"]):
            if m["role"] not in roles or m["role"] != ("assistant" if i % 2 else "user"):
                raise ValueError(f"message {i + 1} has the role {m['role']!r}")

    return judge


def together_file(path):
    from together.lib.utils.files import check_file

    report = check_file(path)
    if not report["is_check_passed"]:
        raise ValueError(report.get("message") or report)


def by_row(judge):
    def whole(path):
        for i, row in enumerate(read_rows(path)):
            try:
                judge(row)
            except (KeyError, TypeError, AttributeError, ValueError) as e:
                raise ValueError(f"row {i + 1}: {e}") from None

    return whole


def check(x, judge):
    judge(x["path"])
    rows = read_rows(x["path"])
    for i, (row, record) in enumerate(zip(rows, x["records"])):
        missing = [w for w in record["turns"] if w["content"] not in strings(row) and not record["reasoning"]]
        if missing and x["format"] not in ("prompt-completion", "text"):
            raise AssertionError(f"row {i + 1}: {missing[0]['content'][:80]!r} is changed")
    return len(rows), ""


def main():
    n_failed = 0
    for consumer, package, formats, make in (
            ("openai", "openai", ("openai",), lambda: by_row(openai_rows())),
            ("gemini", "google-genai", ("gemini",), lambda: by_row(gemini_rows())),
            ("bedrock", "botocore", ("bedrock",), lambda: by_row(bedrock_rows())),
            ("together", "together", ("openai",), lambda: together_file)):
        account = Account(folder, consumer if consumer == package else f"{consumer} ({package})", importlib.metadata.version(package))
        judge = make()
        for fmt in formats:
            found = [x for x in exports(folder, fmt, shape="file") if not (consumer == "together" and len(x["records"]) < 10)]
            for x in found:
                account.run(x["name"], check, x, judge)
            for x in tool_exports(folder, fmt):
                if consumer == "together":
                    account.add("tool records, openai", "known", detail="its documentation wants the column tools, and check_file of "
                                "this client refuses it")
                else:
                    account.run(f"tool records, {x['name']}", lambda: (len(x["records"]), judge(x["path"]) or ""))
            if not found:
                account.add(fmt, "failed", detail="there is no such export")
        for case in bad_files(folder, consumer):
            judge_bad(account, case, lambda: judge(case["path"]) or "loads")
        n_failed += account.n_failed
    sys.exit(n_failed > 0)


main()
