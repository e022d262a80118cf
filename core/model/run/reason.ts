/** A word for the machine and a sentence for people. `chain`: the ids of the runs that caused it, the first cause
 *  first. */
export interface Reason {
  code: string
  message: string
  by?: string
  chain?: string[]
}

const FIGURE = /(?<![\w.-])\d+(?:\.\d+)?(?: ?(?:%|°C|ms|[smhd]|[kMGT]?B(?:\/s)?))?(?![\w-])/g

/** A message without its figures and their units: a level that falls or a load that varies is not another reason. What
 *  is part of a name stays. */
export const wordingOf = (message: string): string => message.replaceAll(FIGURE, '#').replaceAll(/#(?: #)+/g, '#')
