import type { Command } from 'commander'
import { addBackup } from './command/backup.ts'
import { addCancel } from './command/cancel.ts'
import { addCompletion } from './command/completion.ts'
import { addContext } from './command/context.ts'
import { addDead } from './command/dead.ts'
import { addDelete } from './command/delete.ts'
import { addDisable } from './command/disable.ts'
import { addDiscard } from './command/discard.ts'
import { addDoctor } from './command/doctor.ts'
import { addEdit } from './command/edit.ts'
import { addEnable } from './command/enable.ts'
import { addEnqueue } from './command/enqueue.ts'
import { addFlow } from './command/flow.ts'
import { addForecast } from './command/forecast.ts'
import { addHealth } from './command/health.ts'
import { addImport } from './command/import.ts'
import { addInit } from './command/init.ts'
import { addLogs } from './command/logs.ts'
import { addNew } from './command/new.ts'
import { addNow } from './command/now.ts'
import { addPause } from './command/pause.ts'
import { addPauses } from './command/pauses.ts'
import { addPreview } from './command/preview.ts'
import { addPromote } from './command/promote.ts'
import { addQueues } from './command/queues.ts'
import { addReadings } from './command/readings.ts'
import { addReplay } from './command/replay.ts'
import { addRestore } from './command/restore.ts'
import { addResume } from './command/resume.ts'
import { addRetry } from './command/retry.ts'
import { addRun } from './command/run.ts'
import { addRuns } from './command/runs.ts'
import { addService } from './command/service.ts'
import { addShow } from './command/show.ts'
import { addSignal } from './command/signal.ts'
import { addSimulate } from './command/simulate.ts'
import { addStart } from './command/start.ts'
import { addStats } from './command/stats.ts'
import { addTasks } from './command/tasks.ts'
import { addTest } from './command/test.ts'
import { addTimeline } from './command/timeline.ts'
import { addToken } from './command/token.ts'
import { addTop } from './command/top.ts'
import { addUpload } from './command/upload.ts'
import { addValidate } from './command/validate.ts'
import { addWhy } from './command/why.ts'

/** A command adds itself to the program. */
type Add = (program: Command) => void

/** The commands under the headings of the help, in its order. A command loads its heavy modules when it runs, so that
 *  the command line starts quickly. */
export const GROUPS: Record<string, readonly Add[]> = {
  Start: [addStart, addInit, addNew, addImport, addService, addTest, addValidate],
  Look: [addTasks, addRuns, addShow, addLogs, addWhy, addHealth, addDoctor, addTop, addDead, addQueues, addPauses,
    addReadings, addStats, addTimeline],
  Do: [addRun, addNow, addCancel, addRetry, addDelete, addEnable, addDisable, addPause, addResume, addSignal, addReplay,
    addDiscard],
  Later: [addForecast, addPreview, addSimulate, addEnqueue, addFlow, addEdit, addPromote],
  Data: [addUpload, addBackup, addRestore, addToken, addContext, addCompletion]
}
