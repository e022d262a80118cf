import { AsyncLocalStorage } from 'node:async_hooks'

/** The task file on whose behalf code is executing, below the tasks directory: what its module code, or that of a
 *  helper that it imports, lets fail after the import still finds the file through it. */
export const fileScope = new AsyncLocalStorage<string>()
