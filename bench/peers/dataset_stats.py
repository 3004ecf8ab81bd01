"""What a user's script does for `generator stats`: counts, lengths, exact duplicates, ratings, openings, distinct n-grams
of a thousand questions, and the compression ratio of a sample; near duplicates it leaves out. dataset_stats.py INPUT"""
import collections
import json
import random
import sys
import zlib


def percentiles(values):
    values.sort()
    return {p: values[min(len(values) - 1, len(values) * p // 100)] for p in (5, 50, 95)}


def distinct(texts, n):
    grams = [tuple(w[i:i + n]) for w in (t.lower().split() for t in texts) for i in range(len(w) - n + 1)]
    return len(set(grams)) / max(1, len(grams))


questions, answers, seen = [], [], set()
ratings, sources, openings = collections.Counter(), collections.Counter(), collections.Counter()
rows = duplicates = 0
sample, generator = [], random.Random(1)
with open(sys.argv[1], encoding="utf-8") as source:
    for line in source:
        record = json.loads(line)
        rows += 1
        question, answer = record["question"], record["answer"]
        key = hash(" ".join(question.lower().split()))
        duplicates += key in seen
        seen.add(key)
        words = question.split()
        questions.append(len(words))
        answers.append(len(answer.split()))
        openings[" ".join(words[:2]).lower()] += 1
        ratings[record.get("rating")] += 1
        sources[record.get("source")] += 1
        if len(sample) < 1000:
            sample.append(question)
        elif (at := generator.randrange(rows)) < 1000:
            sample[at] = question
text = "\n".join(sample).encode()
print(json.dumps({
    "rows": rows, "exact_duplicates": duplicates, "questions": percentiles(questions), "answers": percentiles(answers),
    "ratings": ratings.most_common(3), "sources": len(sources), "openings": openings.most_common(1),
    "distinct": [distinct(sample, n) for n in (1, 2, 3)], "compression": len(text) / len(zlib.compress(text, 6))}))
