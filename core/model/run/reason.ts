/** A word for the machine and a sentence for people. `chain`: the ids of the runs that caused it, the first cause
 *  first. */
export interface Reason {
  code: string
  message: string
  by?: string
  chain?: string[]
}

/** A message without its figures: a level that falls or a load that varies is no other reason. */
export const wordingOf = (message: string): string => message.replaceAll(/\d+/g, '#')
