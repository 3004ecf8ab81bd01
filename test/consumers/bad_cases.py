"""Files that somebody refuses, drops or misreads, and files that look so and load: what `generator check` has to say
about each is held against what the consumer does with it."""
import json
import os

# Twelve good rows around the bad one, so that a service's least number of rows is not the reason.
def chat(q="What?", a="That.", **more):
    return {"messages": [{"role": "user", "content": q}, {"role": "assistant", "content": a, **more}]}


def good(n=12):
    return [chat(f"Question {i}?", f"Answer {i}.") for i in range(n)]


def pair(n=12):
    return [{"instruction": f"Question {i}?", "input": "", "output": f"Answer {i}."} for i in range(n)]


def share(n=12):
    return [{"conversations": [{"from": "human", "value": f"Question {i}?"}, {"from": "gpt", "value": f"Answer {i}."}]}
            for i in range(n)]


def msgs(*turns, **more):
    return {"messages": [{"role": r, "content": c} for r, c in turns], **more}


def cases():
    """name, consumers, rows (or text), known: why check and this version of the consumer may differ."""
    user_only = msgs(("user", "Alone?"))
    # TRL renders rows with the model's template: qwen3's, and assistant-only loss where the case is about it.
    yield "trl_null_content", ["trl"], good() + [msgs(("user", "Q?"), ("assistant", None))], ""
    yield "trl_no_role", ["trl"], [{"messages": [{"content": "Q?"}, {"content": "A."}]} for _ in range(3)], ""
    yield "trl_alpaca", ["trl"], pair(), ""
    yield "trl_question_answer", ["trl"], [{"question": "Q?", "answer": "A."}] * 12, ""
    yield "trl_sharegpt_roles", ["trl"], share(), ""
    yield "trl_content_number", ["trl"], [msgs(("user", 1), ("assistant", 2))] * 12, ""
    yield "trl_messages_string", ["trl"], [{"messages": "Q? A."}] * 12, ""
    yield "trl_prompt_without_completion", ["trl"], [{"prompt": "Q?"}] * 12, "rows of prompts alone are GRPO's"
    yield "trl_mixed_prompt_types", ["trl"], [{"prompt": "Q?", "completion": [{"role": "assistant", "content": "A."}]}] * 12, ""
    yield "trl_empty_messages", ["trl"], good() + [{"messages": []}], ""
    yield "trl_good", ["trl"], good(), ""
    yield "trl_extra_columns", ["trl"], [dict(chat(), source="a.md", rating=7) for _ in range(12)], ""
    yield "trl_tool_role_only_text", ["trl"], good() + [msgs(("user", "Q?"), ("assistant", "A."), ("user", "R?"), ("assistant", "B."))], ""
    # datasets
    yield "datasets_mixed_types", ["datasets"], [{"question": "Q?", "answer": "A."}, {"question": "Q?", "answer": 4}], ""
    yield "datasets_object_or_string", ["datasets"], [{"m": {"a": 1}}, {"m": "x"}], ""
    yield "datasets_all_dates", ["datasets"], [{"question": "When?", "answer": "2024-01-01"}] * 12, "a column of nothing but dates is rare, and one other text in the first block keeps it text"
    yield "datasets_missing_columns", ["datasets"], [{"question": "Q?", "answer": "A."}, {"question": "Q?", "answer": "A.", "reasoning": "R."}], ""
    yield "datasets_agent_trace", ["datasets"], [dict(chat(), id="1", source="s", model="m", system_prompt="p")] * 3, ""
    yield "datasets_broken_line", ["datasets"], "{\"question\": \"Q?\", \"answer\": \"A.\"}\n{\"question\": \"cut\n", ""
    yield "datasets_bom", ["datasets"], "\ufeff{\"question\": \"Q?\", \"answer\": \"A.\"}\n", ""
    yield "datasets_blank_lines", ["datasets"], "{\"question\": \"Q?\", \"answer\": \"A.\"}\n\n{\"question\": \"Q?\", \"answer\": \"A.\"}\n", ""
    yield "datasets_nan", ["datasets"], "{\"question\": \"Q?\", \"score\": NaN}\n{\"question\": \"Q?\", \"score\": 1.0}\n", ""
    yield "datasets_empty_list", ["datasets"], [{"tags": [], "q": "a"}, {"tags": ["x"], "q": "b"}], ""
    yield "datasets_duplicate_key", ["datasets"], "{\"q\": \"a\", \"q\": \"b\"}\n{\"q\": \"c\"}\n", ""
    # LLaMA-Factory
    yield "llamafactory_role_order", ["llamafactory"], share() + [{"conversations": [{"from": "gpt", "value": "A."}, {"from": "human", "value": "Q?"}]}], ""
    yield "llamafactory_odd_turns", ["llamafactory"], share() + [{"conversations": [{"from": "human", "value": "Q?"}]}], ""
    yield "llamafactory_unknown_role", ["llamafactory"], share() + [{"conversations": [{"from": "user", "value": "Q?"}, {"from": "assistant", "value": "A."}]}], ""
    yield "llamafactory_null_value", ["llamafactory"], share() + [{"conversations": [{"from": "human", "value": "Q?"}, {"from": "gpt", "value": None}]}], ""
    yield "llamafactory_good", ["llamafactory"], share(), ""
    yield "llamafactory_alpaca_no_output", ["llamafactory"], pair() + [{"instruction": "Q?", "input": ""}], ""
    yield "llamafactory_alpaca_good", ["llamafactory"], pair(), ""
    # Axolotl
    other = "Axolotl reads it with another type than chat_template"
    yield "axolotl_no_messages", ["axolotl"], [{"text": "Q? A."}] * 12, other
    yield "axolotl_sharegpt", ["axolotl"], share(), other
    yield "axolotl_unknown_role", ["axolotl"], good() + [msgs(("human", "Q?"), ("robot", "A."))], ""
    yield "axolotl_null_content", ["axolotl"], good() + [msgs(("user", "Q?"), ("assistant", None))], ""
    yield "axolotl_no_assistant", ["axolotl"], good() + [user_only], ""
    yield "axolotl_good", ["axolotl"], good(), ""
    # Unsloth
    yield "unsloth_three_keys", ["unsloth"], [{"conversations": [{"from": "human", "value": "Q?", "weight": "1"}, {"from": "gpt", "value": "A.", "weight": "1"}]}] * 12, ""
    yield "unsloth_role_unknown", ["unsloth"], [{"conversations": [{"from": "human", "value": "Q?"}, {"from": "function_call", "value": "{}"}]}] * 12, ""
    yield "unsloth_number", ["unsloth"], [{"conversations": [{"from": "human", "value": 1}, {"from": "gpt", "value": 2}]}] * 12, ""
    yield "unsloth_good", ["unsloth"], share(), ""
    yield "unsloth_messages", ["unsloth"], good(), ""
    # The services, as far as their own packages or published checks judge
    yield "openai_unknown_role", ["openai"], good() + [msgs(("human", "Q?"), ("assistant", "A."))], ""
    yield "openai_no_assistant", ["openai"], good() + [user_only], ""
    yield "openai_null_content", ["openai"], good() + [msgs(("user", "Q?"), ("assistant", None))], ""
    yield "openai_extra_message_key", ["openai"], good() + [chat(reasoning_content="R.")], ""
    yield "openai_no_messages", ["openai"], pair(), ""
    yield "openai_good", ["openai"], good(), ""
    yield "together_two_formats", ["together"], [dict(chat(), text="Q? A.") for _ in range(12)], ""
    yield "together_no_alternation", ["together"], good() + [msgs(("user", "Q?"), ("user", "R?"), ("assistant", "A."))], ""
    yield "together_no_json", ["together"], "\n".join(json.dumps(r) for r in good()) + "\nnot json\n", ""
    yield "together_extra_column", ["together"], [dict(chat(), source="x") for _ in range(12)], ""
    yield "together_null_content", ["together"], good() + [msgs(("user", "Q?"), ("assistant", None))], ""
    yield "together_good", ["together"], good(), ""
    yield "gemini_assistant_role", ["gemini"], [{"contents": [{"role": "user", "parts": [{"text": "Q?"}]}, {"role": "assistant", "parts": [{"text": "A."}]}]}] * 12, ""
    yield "gemini_content_string", ["gemini"], [{"contents": [{"role": "user", "content": "Q?"}, {"role": "model", "content": "A."}]}] * 12, ""
    yield "gemini_good", ["gemini"], [{"contents": [{"role": "user", "parts": [{"text": "Q?"}]}, {"role": "model", "parts": [{"text": "A."}]}]}] * 12, ""
    bedrock = {"schemaVersion": "bedrock-conversation-2024"}
    yield "bedrock_content_string", ["bedrock"], [dict(bedrock, messages=[{"role": "user", "content": "Q?"}, {"role": "assistant", "content": "A."}])] * 12, ""
    yield "bedrock_bad_role", ["bedrock"], [dict(bedrock, messages=[{"role": "human", "content": [{"text": "Q?"}]}, {"role": "assistant", "content": [{"text": "A."}]}])] * 12, ""
    yield "bedrock_good", ["bedrock"], [dict(bedrock, messages=[{"role": "user", "content": [{"text": "Q?"}]}, {"role": "assistant", "content": [{"text": "A."}]}])] * 12, ""


def write(folder, check):
    """FOLDER/bad/NAME.jsonl and FOLDER/bad.json, with what check(path, consumer) said of each."""
    os.makedirs(os.path.join(folder, "bad"), exist_ok=True)
    lines = []
    for name, consumers, rows, known in cases():
        path = os.path.join(folder, "bad", f"{name}.jsonl")
        with open(path, "w", encoding="utf-8") as f:
            f.write(rows if isinstance(rows, str) else "".join(json.dumps(r) + "\n" for r in rows))
        for consumer in consumers:
            try:
                refuses, warns = check(path, consumer)
            except RuntimeError as e:
                refuses, warns = None, False
                print(f"check {name}: {e}")
            lines.append({"name": name, "consumer": consumer, "path": path, "known": known, "check_refuses": refuses, "check_warns": warns})
    with open(os.path.join(folder, "bad.json"), "w", encoding="utf-8") as f:
        json.dump(lines, f)
