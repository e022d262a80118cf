import { addActs } from './act.ts'
import { addChecks } from './check.ts'
import { addDead } from './dead.ts'
import { addEnqueue } from './enqueue.ts'
import { addForecast } from './forecast.ts'
import { addLists } from './tasks.ts'
import { addMany } from './many.ts'
import { addPauses } from './pause.ts'
import { addQueues } from './queue.ts'
import { addReadings } from './readings.ts'
import { addRuns } from './run.ts'
import { addSignal } from './signal.ts'
import { addSimulate } from './simulate.ts'
import { addStats } from './stats.ts'
import { addStart } from './start.ts'
import { addTimeline } from './timeline.ts'
import { addTop } from './top.ts'
import { addUpload } from './upload.ts'
import { addWhy } from './why.ts'

/** What adds each command to the program, in the order of the help. What is heavy is loaded by the command that needs it: a word on the command
 *  line must not wait for the manager. */
export const COMMANDS = [addStart, addLists, addWhy, addForecast, addSimulate, addPauses, addQueues, addDead, addSignal, addReadings, addTop, addStats, addTimeline, addChecks, addRuns, addEnqueue, addUpload, addMany, addActs]
