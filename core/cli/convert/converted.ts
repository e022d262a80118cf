/** A line that is not kept, or not as it was: its number, its text and why. */
export interface Remark {
  line: number
  text: string
  message: string
}

/** A task made of a line of a crontab or of a timer. `fields`: of its header, `schedule` for its trigger. */
export interface Converted {
  name: string
  /** The line of a crontab; 0 for a timer. */
  line: number
  /** What it was made of, for a comment. */
  from: string
  fields: Record<string, unknown>
  shell: string
  /** The text of the script below its header. */
  body: string
  /** What differs from before. */
  remarks: string[]
}

/** Everything that a source was converted to. `refused`: what no task was made of. `notes`: other lines whose meaning
 *  was not kept. */
export interface Conversion {
  tasks: Converted[]
  refused: Remark[]
  notes: Remark[]
}

/** Quotes a word for a POSIX shell. */
export const quote = (word: string): string =>
  /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`
