import { LONG_MS, until as untilNamed } from '../clock.ts'

/** Resolves when the condition holds; rejects when it does not within the bound. */
export const until = (condition: () => boolean | Promise<boolean>, boundMs = LONG_MS): Promise<void> =>
  untilNamed(`this holds: ${condition}`, condition, boundMs)
