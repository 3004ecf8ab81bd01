"""What a user's script does for `generator dedup`: MinHash with LSH of datasketch over three-word sequences, then the
true Jaccard similarity of the candidates. dataset_dedup.py INPUT OUTPUT"""
import json
import re
import sys

from datasketch import MinHash, MinHashLSH

WORDS = re.compile(r"\w+")
index = MinHashLSH(threshold=0.7, num_perm=64, params=(16, 4))
kept = {}
with open(sys.argv[1], encoding="utf-8") as source, open(sys.argv[2], "w", encoding="utf-8") as out:
    for row, line in enumerate(source):
        words = WORDS.findall(json.loads(line)["question"].lower())
        shingles = {" ".join(words[i:i + 3]) for i in range(max(1, len(words) - 2))}
        signature = MinHash(num_perm=64)
        signature.update_batch([s.encode() for s in shingles])
        if any(len(shingles & kept[c]) / len(shingles | kept[c]) >= 0.7 for c in index.query(signature)):
            continue
        index.insert(row, signature)
        kept[row] = shingles
        out.write(line)
