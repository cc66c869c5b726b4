"""The words for how safe the last labels are, as `Session.save_state_changed` carries them."""

SAVED = "saved"
SAVING = "saving"
NOT_SAVED = "not saved"
