import type { Scope } from '../../core/index.ts'

export type Needed = Scope | 'open'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** What a request needs: a token of this scope. `open`: nothing, it says nothing that needs guarding. Every route
     *  says it. */
    scope?: Needed
    /** Members of its answer that only a token shows, on loopback too; `all`: the whole answer. */
    private?: readonly string[] | 'all'
  }
}

export const OPEN = { scope: 'open' } as const
export const READ = { scope: 'read' } as const
export const RUN = { scope: 'run' } as const
export const CONTROL = { scope: 'control' } as const

/** Nothing of the answer is shown without a token. */
export const SECRET = { scope: 'read', private: 'all' } as const

/** These members of the answer are shown with a token alone. */
export const withheld = (...members: string[]) => ({ scope: 'read', private: members } as const)

/** What of a run is its owner's alone. */
export const RUNS = withheld('key')
