import type { Scope } from '../../core/index.ts'

export type Needed = Scope | 'open'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The scope that the token of a request needs; `open`: no token is needed. Every route declares one. */
    scope?: Needed
    /** Members of the response that are withheld without a token, on loopback too; `all`: the whole response. */
    private?: readonly string[] | 'all'
    /** True for a change that answers what GET answers then, so that the answer has its ETag. */
    whole?: boolean
  }
}

export const OPEN = { scope: 'open' } as const
export const READ = { scope: 'read' } as const
export const RUN = { scope: 'run' } as const
export const CONTROL = { scope: 'control' } as const

/** The whole response is withheld without a token. */
export const SECRET = { scope: 'read', private: 'all' } as const

/** These members of the response are withheld without a token. */
export const withheld = (...members: string[]) => ({ scope: 'read', private: members } as const)

/** The private members of a whole run. */
export const PRIVATE_OF_RUN = ['payload', 'result', 'checkpoint', 'key'] as const

/** For routes that return runs: the key of a run is private. */
export const RUNS = withheld('key')
