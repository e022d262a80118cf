import type { Row } from './row.ts'

/** `small`: small counts, to check that it works. `peers`: includes installed peers. */
export interface Ask {
  small: boolean
  peers?: boolean
}

/** One measured implementation. `peer`: the packages of bench/package.json that it needs. */
export interface Contender {
  name: string
  peer?: readonly string[]
  run: (ask: Ask) => Promise<Row[]>
}

/** A script of the bench: `run` does all its contenders in this process, the runner each in a process of its own. */
export interface Script {
  contenders: readonly Contender[]
  /** The most rounds that are useful. */
  rounds?: number
  run: (ask: Ask) => Promise<Row[]>
}

/** Runs the contenders one after the other, with the peers if requested. */
export const contest = (contenders: readonly Contender[]) => async (ask: Ask): Promise<Row[]> => {
  const rows: Row[] = []
  for (const { peer, run } of contenders) {
    if (peer === undefined || ask.peers) rows.push(...await run(ask))
  }
  return rows
}

/** Operations a second. */
export async function rateOf (count: number, work: () => unknown): Promise<number> {
  const begun = performance.now()
  await work()
  return count / (performance.now() - begun) * 1000
}

/** Bytes of heap in use, after a garbage collection if the process was started with --expose-gc. */
export function heapBytes (): number {
  for (let time = 0; time < 3; time++) globalThis.gc?.()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}
