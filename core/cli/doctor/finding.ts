/** A symptom and its cure. `fault`: something does not work; `warning`: it soon may not, or rarely does what was
 *  intended; `note`: it is as it was set, and may explain why a task does not run. */
export interface Finding {
  code: string
  level: 'fault' | 'warning' | 'note'
  message: string
  fix: string | null
}

export const fault = (code: string, message: string, fix: string | null): Finding => ({
  code,
  level: 'fault',
  message,
  fix
})

export const warning = (code: string, message: string, fix: string | null): Finding => ({
  code,
  level: 'warning',
  message,
  fix
})

export const note = (code: string, message: string, fix: string | null): Finding => ({
  code,
  level: 'note',
  message,
  fix
})

/** The findings whose condition holds. */
export const when = (...pairs: [boolean, Finding][]): Finding[] =>
  pairs.flatMap(([holds, finding]) => holds ? [finding] : [])
