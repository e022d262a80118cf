import type { Command } from 'commander'

/** Adds a command to the program. */
type Add = (program: Command) => void
/** Loads the module of a command. */
type Load = () => Promise<Add>

/** The commands under the headings of the help, in its order. A command line loads the command that it names, so that
 *  it starts quickly; the help loads all. */
export const GROUPS: Record<string, Record<string, Load>> = {
  Start: {
    start: async () => (await import('./command/start.ts')).addStart,
    init: async () => (await import('./command/init.ts')).addInit,
    new: async () => (await import('./command/new.ts')).addNew,
    eject: async () => (await import('./command/eject.ts')).addEject,
    import: async () => (await import('./command/import.ts')).addImport,
    service: async () => (await import('./command/service.ts')).addService,
    test: async () => (await import('./command/test.ts')).addTest,
    validate: async () => (await import('./command/validate.ts')).addValidate
  },
  Look: {
    tasks: async () => (await import('./command/tasks.ts')).addTasks,
    runs: async () => (await import('./command/runs.ts')).addRuns,
    show: async () => (await import('./command/show.ts')).addShow,
    logs: async () => (await import('./command/logs.ts')).addLogs,
    why: async () => (await import('./command/why.ts')).addWhy,
    health: async () => (await import('./command/health.ts')).addHealth,
    doctor: async () => (await import('./command/doctor.ts')).addDoctor,
    top: async () => (await import('./command/top.ts')).addTop,
    dead: async () => (await import('./command/dead.ts')).addDead,
    queues: async () => (await import('./command/queues.ts')).addQueues,
    schedules: async () => (await import('./command/schedules.ts')).addSchedules,
    records: async () => (await import('./command/records.ts')).addRecords,
    pauses: async () => (await import('./command/pauses.ts')).addPauses,
    readings: async () => (await import('./command/readings.ts')).addReadings,
    stats: async () => (await import('./command/stats.ts')).addStats,
    timeline: async () => (await import('./command/timeline.ts')).addTimeline
  },
  Do: {
    run: async () => (await import('./command/run.ts')).addRun,
    now: async () => (await import('./command/now.ts')).addNow,
    cancel: async () => (await import('./command/cancel.ts')).addCancel,
    retry: async () => (await import('./command/retry.ts')).addRetry,
    delete: async () => (await import('./command/delete.ts')).addDelete,
    enable: async () => (await import('./command/enable.ts')).addEnable,
    disable: async () => (await import('./command/disable.ts')).addDisable,
    pause: async () => (await import('./command/pause.ts')).addPause,
    resume: async () => (await import('./command/resume.ts')).addResume,
    signal: async () => (await import('./command/signal.ts')).addSignal,
    replay: async () => (await import('./command/replay.ts')).addReplay,
    discard: async () => (await import('./command/discard.ts')).addDiscard
  },
  Later: {
    forecast: async () => (await import('./command/forecast.ts')).addForecast,
    preview: async () => (await import('./command/preview.ts')).addPreview,
    simulate: async () => (await import('./command/simulate.ts')).addSimulate,
    enqueue: async () => (await import('./command/enqueue.ts')).addEnqueue,
    flow: async () => (await import('./command/flow.ts')).addFlow,
    edit: async () => (await import('./command/edit.ts')).addEdit,
    promote: async () => (await import('./command/promote.ts')).addPromote
  },
  Data: {
    upload: async () => (await import('./command/upload.ts')).addUpload,
    backup: async () => (await import('./command/backup.ts')).addBackup,
    restore: async () => (await import('./command/restore.ts')).addRestore,
    token: async () => (await import('./command/token.ts')).addToken,
    context: async () => (await import('./command/context.ts')).addContext,
    completion: async () => (await import('./command/completion.ts')).addCompletion
  }
}
