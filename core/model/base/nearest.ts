/** Insertions, deletions, replacements and swaps of neighbours from one word to another. */
function distance (a: string, b: string): number {
  const rows = [Array.from({ length: b.length + 1 }, (_, index) => index)]
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const before = rows[i - 1]!
      const isSwap = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]
      row.push(
        Math.min(row[j - 1]! + 1, before[j]! + 1, before[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1),
          isSwap ? rows[i - 2]![j - 2]! + 1 : Infinity)
      )
    }
    rows.push(row)
  }
  return rows[a.length]![b.length]!
}

/** The known word closest to a mistyped one, or null when none is close. */
export function nearest (word: string, known: readonly string[]): string | null {
  const wanted = word.slice(0, 64).toLowerCase().replaceAll('-', '_')
  const ranked = known.map(name => ({ name, far: distance(wanted, name.toLowerCase()) })).toSorted((a, b) =>
    a.far - b.far
  )
  const best = ranked[0]
  return best !== undefined && best.far <= Math.max(1, Math.floor(best.name.length / 3)) ? best.name : null
}
