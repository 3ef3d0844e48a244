/** modal shows a dialog over everything while it is there, and gives the focus back to what had it. */
export function modal(dialog: HTMLDialogElement) {
  const before = document.activeElement
  dialog.showModal()
  return () => {
    dialog.close()
    if (before instanceof HTMLElement && before.isConnected && !document.querySelector('dialog[open]')) before.focus()
  }
}
