/** A queue of no-op jobs, as every peer is asked for. */
export interface Queue {
  /** Adds one job; resolves when the queue says that it has it. */
  add(): unknown
  /** Adds many in one call, or in as few as the queue offers. */
  addMany(count: number): unknown
  /** Executes jobs, ten at a time, and calls `handled` in each. */
  work(handled: () => void): Promise<void> | void
  stop(): Promise<void>
}

/** `postgres`, `redis`: where a server listens, or null. */
export interface Place {
  folder: string
  postgres: string | null
  redis: string | null
}

/** `durability`: the failures that a job survives once `add` has resolved. `needs`: a server beside the packages. */
export interface QueueKind {
  name: string
  packages: readonly string[]
  needs?: 'postgres' | 'redis'
  durability: string
  note?: string
  open(place: Place): Promise<Queue>
}

export const FULL = 'survives power loss'
