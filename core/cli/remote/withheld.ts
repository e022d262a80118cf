/** Why no token is sent, as part of a sentence; null: unknown. */
export type NoTokenReason = string | null

export const GIVE_TOKEN = 'give one with --token or OFFPEAK_TOKEN'

const members = new Set<string>()
let lack: NoTokenReason = null

/** Notes why requests of this command are sent without a token. */
export function noteNoToken (why: NoTokenReason): void {
  lack = why
}

/** Notes the withheld members of a response: of an object, of each item of a list, or of each item of a page. */
export function noteWithheld (answer: unknown): void {
  if (typeof answer !== 'object' || answer === null) return
  const { items, runs, withheld } = answer as { items?: unknown, runs?: unknown, withheld?: unknown }
  for (const member of Array.isArray(withheld) ? withheld : []) members.add(String(member))
  for (const list of [answer, items, runs]) if (Array.isArray(list)) list.forEach(noteWithheld)
}

/** The members that responses have withheld since the last call, and why, as a sentence; null when there are none. */
export function withheldWords (): string | null {
  const found = [...members]
  members.clear()
  return found.length === 0
    ? null
    : `withheld, although not empty: ${found.join(', ')}. No token was sent: ${lack ?? GIVE_TOKEN}`
}
