import { decodeId } from '../../../model/run/id.ts'
import { SECOND } from '../../../model/base/duration.ts'
import type { Run } from '../../../model/run/run.ts'
import { usageSum } from '../../../model/run/usage.ts'
import type { Usage } from '../../../model/run/usage.ts'
import type { Tables } from '../state/tables.ts'

/** A row of the table used. */
type UsageRow = Omit<Usage, 'cpu_seconds'> & { cpu_ms: number }

/** The usage of all attempts of a run, or null. */
export function usageOf (tables: Tables, id: string): Usage | null {
  const row = tables.one<UsageRow>(
    'select cpu_ms, memory_peak_bytes, read_bytes, written_bytes from used where run = ?',
    decodeId(id)
  )
  if (!row) return null
  const { cpu_ms, memory_peak_bytes, read_bytes, written_bytes } = row
  return { cpu_seconds: cpu_ms / SECOND, memory_peak_bytes, read_bytes, written_bytes }
}

/** The usage of many runs by id, except those whose usage is not known. */
export function usageOfAll (tables: Tables, ids: readonly string[]): Record<string, Usage> {
  return Object.fromEntries(ids.flatMap(id => {
    const used = usageOf(tables, id)
    return used ? [[id, used]] : []
  }))
}

const msOf = ({ cpu_seconds: seconds }: Usage): number => Math.round(seconds * SECOND)

/** Adds the usage of an attempt. */
export function addUsage (tables: Tables, run: Run, { used, now }: { used: Usage, now: number }): void {
  const sum = usageSum(usageOf(tables, run.id), used)
  tables.run(
    'replace into used (run, cpu_ms, memory_peak_bytes, read_bytes, written_bytes) values (?, ?, ?, ?, ?)',
    decodeId(run.id),
    msOf(sum),
    Math.round(sum.memory_peak_bytes),
    sum.read_bytes,
    sum.written_bytes
  )
  tables.hourly.took(run, now, msOf(used))
}
