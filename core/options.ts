import type { Clock } from './model/base/clock.ts'
import type { ConfigFile } from './model/config/config.ts'
import type { Engine } from './engine/engine.ts'
import type { Listener } from './model/notice.ts'
import type { Senses } from './sense/senses.ts'
import type { Service } from './model/base/service.ts'
import type { Services } from './model/task/context.ts'

/** The options of a manager, all of them optional. */
export interface ManagerOptions {
  /** Settings in code; those of `configFile` override them. */
  config?: ConfigFile
  /** A config.json that is read, watched and edited. */
  configFile?: string
  /** Names the overlay `config.<environment>.json`. */
  environment?: string
  env?: NodeJS.ProcessEnv
  /** Relative folders of the configuration start here; the folder of configFile, else the working directory. */
  root?: string
  /** `none`: no task files are read; tasks are added in code, or are built-in ones and commands of the
   *  configuration. */
  files?: 'watch' | 'once' | 'none'
  engine?: Engine
  /** Looks at the machine; a test gives its own. */
  senses?: MachineSenses
  clock?: Clock
  /** `none`: the caller runs the timed loops with `beat`. */
  loops?: 'own' | 'none'
  /** `thread`: a thread detects a blocked event loop and reports the run that blocks it. The command line always uses
   *  one. */
  watch?: 'thread' | 'none'
  /** `later`: runs are executed after `attend` was called, for a server that must be reachable before a run can block
   *  its event loop. */
  runs?: 'now' | 'later'
  random?: () => number
  /** What tasks find in `ctx.services`, beside `config` and `offpeak`. */
  services?: Partial<Services>
  /** Called with every notice from the first one on. */
  onNotice?: Listener
  /** How long a run may take to stop before its slot is freed, ms. */
  abortGraceMs?: number
}

/** What the manager needs of the senses. */
export type MachineSenses = Service & Partial<Pick<Senses, 'stored'>> & Pick<Senses,
  'latest' | 'sample' | 'troubles' | 'setSignal' | 'dropSignal' | 'query' | 'register'>
