/** A word for the machine and a sentence for people. `chain`: the ids of the runs that caused it, the first cause
 *  first. */
export interface Reason {
  code: string
  message: string
  by?: string
  chain?: string[]
}
