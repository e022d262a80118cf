/** A word for the machine and a sentence for people. */
export interface Reason { code: string, message: string, by?: string }
