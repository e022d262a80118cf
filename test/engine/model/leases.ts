/** After a longer pause between two checks the machine has slept, ms. */
const SLEPT = 15_000

/** The ends of the leases of owners. */
export class Leases extends Map<string, number> {
  /** When expired leases were last looked for. */
  lookedAt: number | null = null

  renew (owner: string, until: number): void {
    this.set(owner, Math.max(until, this.get(owner) ?? -Infinity))
  }

  /** The owners with expired leases; none after a long pause between two checks. A lease that lasts longer than five
   *  minutes was written by a clock that was ahead, and is shortened. */
  look (now: number): string[] {
    const before = this.lookedAt
    this.lookedAt = now
    for (const [owner, until] of this) this.set(owner, Math.min(until, now + 300_000))
    if (before === null || now - before > SLEPT || now < before) return []
    return [...this].filter(([, until]) => until <= now).map(([owner]) => owner)
  }

  /** Whether an owner is gone: it has no lease, or its lease was found expired and not renewed. */
  isOver (owner: string, late: readonly string[], now: number): boolean {
    const until = this.get(owner)
    return until === undefined || (late.includes(owner) && until <= now)
  }
}
