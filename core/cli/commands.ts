import { addActs } from './local/switch-task.ts'
import { addChecks } from './command/validate.ts'
import { addDead } from './command/dead.ts'
import { addEnqueue } from './command/enqueue.ts'
import { addForecast } from './command/forecast.ts'
import { addHealth } from './command/health.ts'
import { addLists } from './command/tasks.ts'
import { addMany } from './terminal/bulk-change.ts'
import { addPauses } from './command/pause.ts'
import { addQueues } from './command/queues.ts'
import { addReadings } from './command/readings.ts'
import { addRuns } from './command/run.ts'
import { addSignal } from './command/signal.ts'
import { addSimulate } from './command/simulate.ts'
import { addStats } from './command/stats.ts'
import { addStart } from './command/start.ts'
import { addTimeline } from './command/timeline.ts'
import { addTop } from './command/top.ts'
import { addTokens } from './command/token.ts'
import { addUpload } from './command/upload.ts'
import { addWhy } from './command/why.ts'

/** What adds each command to the program, in the order of the help. What is heavy is loaded by the command that needs
 *  it: a word on the command line must not wait for the manager. */
export const COMMANDS = [addStart, addLists, addWhy, addForecast, addSimulate, addPauses, addQueues, addDead, addSignal,
  addReadings, addHealth, addTop, addStats, addTimeline, addChecks, addRuns, addEnqueue, addUpload, addTokens, addMany,
  addActs]
