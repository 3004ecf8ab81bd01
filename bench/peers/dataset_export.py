"""What a user's script does for `generator export`: each record to ChatML, a line a row. dataset_export.py INPUT OUTPUT"""
import json
import sys

SYSTEM = "You are a helpful assistant."
with open(sys.argv[1], encoding="utf-8") as source, open(sys.argv[2], "w", encoding="utf-8") as out:
    for line in source:
        record = json.loads(line)
        question, answer = record.get("question"), record.get("answer")
        if not isinstance(question, str) or not isinstance(answer, str) or not question.strip() or not answer.strip():
            continue
        row = {"messages": [{"role": "system", "content": SYSTEM}, {"role": "user", "content": question},
                            {"role": "assistant", "content": answer}]}
        out.write(json.dumps(row, ensure_ascii=False) + "\n")
