/** The resources that an attempt, or a run across its attempts, has used. Bytes are read from and written to disks;
 *  null where the system does not report them. */
export interface Usage {
  cpu_seconds: number
  memory_peak_bytes: number
  read_bytes: number | null
  written_bytes: number | null
}

const NAMES = ['cpu_seconds', 'memory_peak_bytes', 'read_bytes', 'written_bytes'] as const

const isCount = (value: unknown): value is number =>
  typeof value === 'number' && value >= 0 && value <= Number.MAX_SAFE_INTEGER

/** The usage that a thread or process reports; null for anything else. */
export function usageIn (report: unknown): Usage | null {
  const { cpu_seconds: cpu, memory_peak_bytes: memory, read_bytes: read, written_bytes: written } =
    (report ?? {}) as Record<keyof Usage, unknown>
  if (!isCount(cpu) || !isCount(memory)) return null
  return {
    cpu_seconds: cpu,
    memory_peak_bytes: memory,
    read_bytes: isCount(read) ? read : null,
    written_bytes: isCount(written) ? written : null
  }
}

type Join = (a: number, b: number) => number

function joined (a: Usage, b: Usage, how: (name: keyof Usage) => Join): Usage {
  const entries = NAMES.map(
    name => [name, a[name] === null ? b[name] : b[name] === null ? a[name] : how(name)(a[name], b[name])]
  )
  return Object.fromEntries(entries) as unknown as Usage
}

const larger: Join = (a, b) => Math.max(a, b)
// Sums are rounded to thousandths: sums of fractions drift.
const sum: Join = (a, b) => Math.round((a + b) * 1000) / 1000

/** The larger of each number of two reports about the same attempt. */
export const mostUsage = (a: Usage | null, b: Usage | null): Usage | null =>
  a === null || b === null ? a ?? b : joined(a, b, () => larger)

/** The usage of two attempts together: sums, and the larger memory peak. */
export const usageSum = (a: Usage | null, b: Usage): Usage =>
  a === null ? b : joined(a, b, name => name === 'memory_peak_bytes' ? larger : sum)
