import { AsyncLocalStorage } from 'node:async_hooks'

/** The run on whose behalf code is executing: what is thrown too late, or in a callback, still finds its run through it. */
export interface Scope { id: string, task: string }

export const runScope = new AsyncLocalStorage<Scope>()
