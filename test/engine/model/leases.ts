/** Nobody looks for so long, ms: the machine has slept. */
const SLEPT = 15_000

/** Until when the leases of owners hold. */
export class Leases extends Map<string, number> {
  /** When somebody last looked for leases that are over. */
  lookedAt: number | null = null

  renew (owner: string, until: number): void {
    this.set(owner, Math.max(until, this.get(owner) ?? -Infinity))
  }

  /** Somebody looks for leases that are over; after a long time without a look, nobody's is. One that holds
   *  for more than five minutes is cut: the clock was ahead. */
  look (now: number): string[] {
    const before = this.lookedAt
    this.lookedAt = now
    for (const [owner, until] of this) this.set(owner, Math.min(until, now + 300_000))
    if (before === null || now - before > SLEPT || now < before) return []
    return [...this].filter(([, until]) => until <= now).map(([owner]) => owner)
  }

  /** Whether an owner is no more: without a lease, or seen to be late and late still. */
  isOver (owner: string, late: readonly string[], now: number): boolean {
    const until = this.get(owner)
    return until === undefined || (late.includes(owner) && until <= now)
  }
}
