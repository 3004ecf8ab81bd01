// Finds a quotation in its source although white space, case, quotes and dashes may differ.
const same = { "‘": "'", "’": "'", "‚": "'", "“": '"', "”": '"', "„": '"', "–": "-", "—": "-", "−": "-", "\u00a0": " " };

/** The text as it is compared, and for each of its characters where it stands in `text`. */
function fold(text) {
  const chars = [];
  const at = [];
  for (let i = 0; i < text.length; i++) {
    let c = same[text[i]] ?? text[i];
    if (/\s/.test(c)) c = " ";
    if (c === " " && (chars.length === 0 || chars.at(-1) === " ")) continue;
    if (c === "\u00ad" || c === "\u200b") continue;
    const low = c.toLowerCase();
    chars.push(low.length === 1 ? low : c);
    at.push(i);
  }
  return { text: chars.join(""), at };
}

function place(folded, part, from = 0) {
  const i = part ? folded.text.indexOf(part, from) : -1;
  return i < 0 ? null : { from: folded.at[i], to: folded.at[i + part.length - 1] + 1, end: i + part.length };
}

/** The longest run of the quotation's words that stands in the source. */
function longestRun(folded, quote) {
  const parts = quote.split(" ").slice(0, 200);
  let best = null;
  let bestN = Math.max(3, Math.ceil(parts.length * 0.4) - 1);
  for (let i = 0; i + bestN < parts.length; i++) {
    for (let n = bestN + 1; i + n <= parts.length; n++) {
      const found = place(folded, parts.slice(i, i + n).join(" "));
      if (!found) break;
      best = found;
      bestN = n;
    }
  }
  return best;
}

/** Places [{ from, to }] of the quotation in `text`; empty when it is not there. */
export function findQuote(text, quote) {
  if (!text || !quote) return [];
  const folded = fold(text.slice(0, 400000));
  const bare = fold(quote).text.replace(/^[\s"'.…]+|[\s"'.…]+$/g, "");
  const whole = place(folded, bare);
  if (whole) return [whole];
  const found = [];
  let from = 0;
  for (const part of bare.split(/\.\.\.|…|\[\.\.\.\]/)) {
    const spot = part.trim().split(" ").length >= 3 ? place(folded, part.trim(), from) : null;
    if (spot) {
      found.push(spot);
      from = spot.end;
    }
  }
  if (found.length) return found;
  const run = longestRun(folded, bare);
  return run ? [run] : [];
}

/** Pieces [{ text, kinds }] of `text`, cut where marks begin and end. */
export function pieces(text, marks) {
  const cuts = new Set([0, text.length]);
  for (const m of marks) cuts.add(m.from).add(m.to);
  const sorted = [...cuts].sort((a, b) => a - b);
  return sorted.slice(0, -1).map((from, i) => ({
    text: text.slice(from, sorted[i + 1]),
    kinds: marks.filter((m) => m.from <= from && m.to >= sorted[i + 1]).map((m) => m.kind),
  }));
}
