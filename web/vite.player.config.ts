// The element for other people's pages: one self-contained module at a fixed name, dist/yeoul-player.js.
import { defineConfig } from 'vite';

export default defineConfig({
  publicDir: false,
  build: {
    target: 'es2022',
    // Runs after the app's build, into the same folder.
    emptyOutDir: false,
    modulePreload: { polyfill: false },
    rolldownOptions: {
      input: 'src/yeoul-player.ts',
      preserveEntrySignatures: 'exports-only',
      output: { entryFileNames: 'yeoul-player.js', codeSplitting: false },
    },
  },
});
