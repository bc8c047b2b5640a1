// What an HTTP answer says to a person: the server's refusals are plain sentences, a proxy's are web pages.

/** Characters of a refusal that are shown: a sentence or two, not a document. */
const SENTENCE_MAX_CHARS = 400;

/** The sentence in the body of a refusal; empty when there is none that a person could read. */
export async function sentenceOf(response: Response): Promise<string> {
  if (response.headers.get('Content-Type')?.includes('html')) return '';
  const body = await response.text().catch(() => '');
  const sentence = body.trim();
  return sentence.length > SENTENCE_MAX_CHARS ? `${sentence.slice(0, SENTENCE_MAX_CHARS)}…` : sentence;
}

/** `Retry-After` in milliseconds; null when absent or a date, which no camera server sends. */
export function retryAfterMs(response: Response): number | null {
  const header = response.headers.get('Retry-After');
  return header !== null && /^\d+$/.test(header) ? Number(header) * 1000 : null;
}
