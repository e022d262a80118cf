import type { Row } from './row.ts'

/** `small`: a few of everything, to see that it works. `peers`: those that are installed take part. */
export interface Ask {
  small: boolean
  peers?: boolean
}

/** One of those that are measured. `peer`: the packages of bench/package.json that it needs. */
export interface Contender {
  name: string
  peer?: readonly string[]
  run: (ask: Ask) => Promise<Row[]>
}

/** A script of the bench: `run` does all its contenders in this process, the runner each in a process of its own. */
export interface Script {
  contenders: readonly Contender[]
  /** More rounds than this tell nothing new. */
  rounds?: number
  run: (ask: Ask) => Promise<Row[]>
}

/** The contenders one after the other, without the peers unless they are asked for. */
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

/** Frees what can be freed, where the process was started with --expose-gc; then bytes of heap in use. */
export function heapBytes (): number {
  for (let time = 0; time < 3; time++) globalThis.gc?.()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}
