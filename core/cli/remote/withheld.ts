/** Why no token is sent, as part of a sentence; null when that is not known. */
export type NoTokenReason = string | null

export const GIVE_TOKEN = 'give one with --token or OFFPEAK_TOKEN'

const members = new Set<string>()
let lack: NoTokenReason = null

/** Notes why requests of this command are sent without a token. */
export function noteNoToken (why: NoTokenReason): void {
  lack = why
}

/** Notes what an answer has left out: of one thing, of each of a list, or of a page. */
export function noteWithheld (answer: unknown): void {
  if (typeof answer !== 'object' || answer === null) return
  const { items, runs, withheld } = answer as { items?: unknown, runs?: unknown, withheld?: unknown }
  for (const member of Array.isArray(withheld) ? withheld : []) members.add(String(member))
  for (const list of [answer, items, runs]) if (Array.isArray(list)) list.forEach(noteWithheld)
}

/** That answers have left something out, what, and why; null when they have not. */
export const withheldWords = (): string | null =>
  members.size === 0
    ? null
    : `withheld, though there is something: ${[...members].join(', ')}. No token was sent: ${lack ?? GIVE_TOKEN}`
