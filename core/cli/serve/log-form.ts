/** The forms of the log. */
export const LOG_FORMS = ['json', 'pretty'] as const
export type LogForm = typeof LOG_FORMS[number]

/** The form of the log: `pretty` on a terminal, JSON elsewhere. */
export const logForm = (given: LogForm | undefined, isTerminal = process.stdout.isTTY): LogForm =>
  given ?? (isTerminal ? 'pretty' : 'json')
