import type { DurationStats } from './reports.ts'

/** Percentiles are exact within 4.5 %. */
const BUCKETS_PER_DOUBLING = 8

const bucketOf = (ms: number): number => ms < 1 ? 0 : 1 + Math.floor(Math.log2(ms) * BUCKETS_PER_DOUBLING)

const middleOf = (bucket: number): number => bucket === 0 ? 0 : 2 ** ((bucket - 0.5) / BUCKETS_PER_DOUBLING)

/** Durations in ms, counted in buckets on a logarithmic scale. Histograms of several hours can be merged. */
export class DurationHistogram {
  #count = 0
  #sum = 0
  #max = 0
  #maxRun: string | null = null
  readonly #buckets = new Map<number, number>()

  /** `run`: the id of the run with this duration. */
  add (ms: number, run: string): void {
    const length = Math.max(0, ms)
    const bucket = bucketOf(length)
    this.#count += 1
    this.#sum += length
    this.#longest(length, run)
    this.#buckets.set(bucket, (this.#buckets.get(bucket) ?? 0) + 1)
  }

  /** Adds a serialized histogram; null is empty. */
  merge (text: string | null): this {
    if (text === null) return this
    const [count, sum, longest, ...pairs] = text.split(' ') as [string, string, string, ...string[]]
    const [max, run = null] = longest.split('@') as [string, string?]
    this.#count += Number(count)
    this.#sum += Number(sum)
    this.#longest(Number(max), run)
    for (const pair of pairs) {
      const [bucket, many] = pair.split(':').map(Number) as [number, number]
      this.#buckets.set(bucket, (this.#buckets.get(bucket) ?? 0) + many)
    }
    return this
  }

  #longest (ms: number, run: string | null): void {
    if (ms < this.#max || (ms === this.#max && this.#maxRun !== null)) return
    this.#max = ms
    this.#maxRun = run
  }

  /** `count sum max@run bucket:count bucket:count…`, or null when it is empty. */
  serialize (): string | null {
    if (this.#count === 0) return null
    let text = `${this.#count} ${this.#sum} ${this.#max}${this.#maxRun === null ? '' : `@${this.#maxRun}`}`
    for (const [bucket, count] of this.#buckets) text += ` ${bucket}:${count}`
    return text
  }

  stats (): DurationStats {
    if (this.#count === 0) return { count: 0, mean: null, p50: null, p95: null, p99: null, max: null, max_run: null }
    const [p50, p95, p99] = this.#percentiles([0.5, 0.95, 0.99])
    return {
      count: this.#count,
      mean: Math.round(this.#sum / this.#count),
      p50: p50!,
      p95: p95!,
      p99: p99!,
      max: this.#max,
      max_run: this.#maxRun
    }
  }

  #percentiles (shares: readonly number[]): number[] {
    const buckets = [...this.#buckets].toSorted(([a], [b]) => a - b)
    return shares.map(share => {
      let left = Math.ceil(share * this.#count)
      const [bucket] = buckets.find(([, count]) => (left -= count) <= 0) ?? buckets.at(-1)!
      return Math.min(this.#max, Math.round(middleOf(bucket)))
    })
  }
}
