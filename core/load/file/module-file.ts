/** Bytes of the largest module that is read. */
export const MODULE_BYTES = 5 * 1024 * 1024

/** True for a file that is imported; any other file is a script, or not a task. */
export const isModule = (path: string): boolean => /\.m?[jt]s$/.test(path)
