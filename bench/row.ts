/** What a row should reach: of its value, or of its ratio to another row. */
export interface Target {
  of: 'value' | 'ratio'
  least?: number
  most?: number
}

/** One figure. `value` null: it was not measured, and `note` says why. `spread`: half the difference of the highest and
 *  the lowest round, as a share of the median. `durability`: the failures that an acknowledged call survives.
 *  `ratio_to`: the row of the same group that this one is divided by. */
export interface Row {
  group: string
  name: string
  unit: string
  value: number | null
  spread?: number
  durability?: string
  ratio_to?: string
  ratio?: number
  target?: Target
  note?: string
}

const middle = (sorted: readonly number[]) => (sorted[(sorted.length - 1) >> 1]! + sorted[sorted.length >> 1]!) / 2

/** The median; NaN of nothing. */
export const median = (values: readonly number[]): number => middle(values.toSorted((a, b) => a - b))

/** The value below which the share `at` (0 to 1) of all values lies; NaN of nothing. */
export function quantile (values: readonly number[], at: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(at * sorted.length))] ?? Number.NaN
}

const keyOf = ({ group, name }: Pick<Row, 'group' | 'name'>) => `${group}\n${name}`

/** The ratio of figures of the same round: a slower machine affects both. */
function ratioOf (row: Row, rounds: readonly (readonly Row[])[]): number | undefined {
  if (row.ratio_to === undefined) return undefined
  const other = keyOf({ group: row.group, name: row.ratio_to })
  const ratios = rounds.flatMap(rows => {
    const [own, base] = [keyOf(row), other].map(key => rows.find(candidate => keyOf(candidate) === key)?.value ?? null)
    return own === null || base === null || base === 0 ? [] : [own! / base!]
  })
  return ratios.length === 0 ? undefined : median(ratios)
}

/** One row for each name: medians over the rounds, with their spreads and ratios. */
export function summary (rounds: readonly (readonly Row[])[]): Row[] {
  return [...Map.groupBy(rounds.flat(), keyOf).values()].map(rows => {
    const values = rows.flatMap(({ value }) => value === null ? [] : [value])
    const [row] = rows as [Row]
    if (values.length === 0) return row
    const value = median(values)
    const ratio = ratioOf(row, rounds)
    const spread = value === 0 ? 0 : (Math.max(...values) - Math.min(...values)) / 2 / Math.abs(value)
    return { ...row, value, ...values.length > 1 ? { spread } : {}, ...ratio === undefined ? {} : { ratio } }
  })
}

/** True when a row reaches its target; null when it has no target, or no value to compare. */
export function reaches ({ target, value, ratio }: Row): boolean | null {
  const found = target?.of === 'ratio' ? ratio ?? null : value
  if (target === undefined || found === null) return null
  return found >= (target.least ?? -Infinity) && found <= (target.most ?? Infinity)
}
