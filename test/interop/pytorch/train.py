"""A small net on the digits that are made here; the seed of the stage, and deterministic algorithms."""
import json
import os
import sys
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file

seed = int(os.environ["ASSAY_SEED"])
torch.manual_seed(seed)
torch.use_deterministic_algorithms(True)

rows = np.random.default_rng(seed).normal(size=(2048, 32)).astype(np.float32)
x = torch.from_numpy(rows)
y = (x[:, :16].sum(dim=1) > x[:, 16:].sum(dim=1)).long()
model = torch.nn.Sequential(torch.nn.Linear(32, 64), torch.nn.ReLU(), torch.nn.Dropout(0.1), torch.nn.Linear(64, 2))
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
order = torch.Generator().manual_seed(seed)
loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(x, y), batch_size=64, shuffle=True, generator=order)
for _ in range(5):
    for rows, labels in loader:
        optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(model(rows), labels)
        loss.backward()
        optimizer.step()
model.eval()
accuracy = (model(x).argmax(dim=1) == y).float().mean().item()
out = Path(sys.argv[1])
out.mkdir(parents=True, exist_ok=True)
save_file(model.state_dict(), out / "model.safetensors")
torch.save(model.state_dict(), out / "model.pt")
(out / "metrics.json").write_text(json.dumps({"loss": loss.item(), "accuracy": accuracy}))
