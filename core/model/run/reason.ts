/** A code for programs and a sentence for people. `chain`: the ids of the runs that caused it, first cause first. */
export interface Reason {
  code: string
  message: string
  by?: string
  chain?: string[]
}

const FIGURE = /(?<![\w.-])\d+(?:\.\d+)?(?: ?(?:%|°C|ms|[smhd]|[kMGT]?B(?:\/s)?))?(?![\w-])/g

/** The message with figures and their units replaced by `#`, so that a varying load or level is the same reason. Digits
 *  in names stay. */
export const wordingOf = (message: string): string => message.replaceAll(FIGURE, '#').replaceAll(/#(?: #)+/g, '#')
