import type { Test } from 'tap'
import type { Setup } from './fixtures.ts'

/** One test of the contract. `setup` returns an empty, started engine at each call. */
type ContractTest = (t: Test, setup: Setup) => Promise<unknown>

/** Tests of one part of the contract, in the order in which they were added. */
export class Suite {
  readonly #tests: [name: string, run: ContractTest][] = []

  test (name: string, run: ContractTest): void {
    this.#tests.push([name, run])
  }

  /** Runs every test against the engines of `setup`. */
  run (t: Test, setup: Setup): void {
    for (const [name, run] of this.#tests) t.test(name, t => run(t, setup))
    t.end()
  }
}
