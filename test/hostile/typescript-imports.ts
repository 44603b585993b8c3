/* `node --import`: tests name each other as `./x.js`, as the compiler wants it, and are run here as they stand. */
import { registerHooks } from 'node:module';

registerHooks({
  resolve(specifier, context, next) {
    const ours = specifier.startsWith('.') && specifier.endsWith('.js') && (context.parentURL ?? '').endsWith('.ts');
    return next(ours ? `${specifier.slice(0, -3)}.ts` : specifier, context);
  },
});
