import { CONTROL } from './_http/scope.ts'
import { ChangeIn, Changed, filterIn } from './_schema/changes.ts'
import { answers } from './_schema/base.ts'
import { matchingRuns } from './_http/dry-run.ts'
import type { Change } from './_http/dry-run.ts'
import { named } from './_http/plugin.ts'
import type { Plugin } from './_http/plugin.ts'

const ACTS = { cancel: 'cancel', retry: 'retry', delete: 'remove', promote: 'promote' } as const

/** Cancels, retries, deletes or promotes all runs that match a filter. */
const bulkChanges: Plugin = async app => {
  const { manager } = app

  for (const [name, act] of Object.entries(ACTS)) {
    app.post(`/api/runs/${name}`, {
      config: CONTROL,
      schema: { tags: ['runs'], body: ChangeIn, response: answers({ 200: Changed }) }
    }, async ({ body, by }) => {
      const { filter, dry_run: dry = false, reason, limit, every } = body
      const changed = await manager.desk.bulk.change(act, {
        filter: filterIn(filter),
        by,
        dry_run: dry,
        ...limit !== undefined && { limit },
        ...reason !== undefined && { message: reason },
        ...every !== undefined && { every }
      })
      return {
        ...changed,
        dry_run: dry,
        ...dry && { runs: await matchingRuns(manager, { change: name as Change, filter: filterIn(filter), limit }) }
      }
    })
  }
}

export default named('offpeak-bulk-changes', bulkChanges, ['offpeak-docs', 'offpeak-inputs', 'offpeak-problems'])
