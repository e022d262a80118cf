import { registerHooks } from 'node:module'

/** What a task file can import without installing it beside itself: this offpeak, its schemas, and the package for mail
 *  that is installed beside offpeak. */
const OWN = /^(?:offpeak|typebox|nodemailer)(?:\/|$)/

// A package that the user has installed beside the task file comes first.
registerHooks({
  resolve (specifier, context, next) {
    try {
      return next(specifier, context)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ERR_MODULE_NOT_FOUND' || !OWN.test(specifier)) throw error
      return next(specifier, { ...context, parentURL: import.meta.url })
    }
  }
})
