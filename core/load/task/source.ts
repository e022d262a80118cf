/** The file of tasks that are defined by their command in the configuration. */
export const CONFIG = 'config.json'

/** The file of a source: `config.json` of `config.json:12`. */
export const fileOf = (source: string): string => source.replace(/^config\.json:\d+$/, CONFIG)
