import type { Command } from 'commander'
import type { SimulateOptions } from '../local/simulation.ts'
import { localOptions } from '../remote/options.ts'

/** `simulate`: what tasks and settings would do in a span of time. */
export function addSimulate (program: Command): void {
  localOptions(
    program.command('simulate').summary('show what would run when; executes no task').description(
      'show what would run when with these tasks and settings, and what would be held and why; executes no task'
    )
  )
    .option('--from <instant>',
      "start: an instant with a zone, a day such as 2026-11-22, or 'tomorrow 09:00', in manager.timezone; default: now")
    .option('--to <instant>', 'end; default: one day after the start')
    .option('--readings <file>',
      'readings of the machine as CSV, default: the recorded ones; columns: at,power,battery_level,charging,' +
        'cpu_busy,idle_seconds,online,metered,temperature,signal.NAME,probe.NAME')
    .option('--task <id>', 'show this task alone')
    .option('--json', 'print JSON')
    .action(async (given: SimulateOptions) => (await import('../local/simulation.ts')).simulation(given))
}
