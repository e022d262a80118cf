let print: (words: string) => void = () => undefined

/** Sets what prints a note about the server that is asked. */
export const announceWith = (announcer: (words: string) => void): void => {
  print = announcer
}

/** Says something about the server that is asked. */
export const announce = (words: string): void => print(words)
