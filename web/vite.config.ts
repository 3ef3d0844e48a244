import { svelte } from '@sveltejs/vite-plugin-svelte'
import { defineConfig } from 'vite'

// The built page is committed in server/ui, where the server embeds it.
export default defineConfig({
  plugins: [svelte()],
  base: '/',
  build: {
    outDir: '../server/ui',
    emptyOutDir: true,
    assetsInlineLimit: 0, // the content security policy takes no data: addresses
    modulePreload: { polyfill: false },
    target: 'es2022',
  },
  server: { proxy: { '/v1': 'http://127.0.0.1:7878', '/health': 'http://127.0.0.1:7878' } },
})
